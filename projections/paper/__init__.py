"""Papers as PDF: a sheet of plain data in, bytes out (handlingar)."""
