"""The event store: canonical envelopes in one append-only log per municipality; streams loaded and saved."""
