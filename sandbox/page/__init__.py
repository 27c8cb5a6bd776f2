"""The chat page's server side: JSON over HTTP and server-sent events."""
