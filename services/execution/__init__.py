"""Send, book, protect, close, resolve and reconcile."""
