"""Reporting: what people read, put together from the database and the newest market in one look, with nothing invented."""
