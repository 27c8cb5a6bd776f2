"""The words and pictures, as Jinja templates; a package, so that an installed copy finds them."""
