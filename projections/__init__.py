"""What is shown and handed over: tables folded from events, papers and packages."""
