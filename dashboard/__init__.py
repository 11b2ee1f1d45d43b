"""What a browser sees. Reads what `zoomfeed` recorded, and never writes it."""
