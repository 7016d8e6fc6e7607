"""The event store: canonical envelopes in one append-only log per municipality, and the loading and saving of streams."""
