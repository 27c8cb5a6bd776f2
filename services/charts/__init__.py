"""Charts: a mission's and a digest's picture, as SVG for pages and as PNG for the chat."""
