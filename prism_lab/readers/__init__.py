"""The server for readers: published pages behind tokens of their own, and no way to a shell."""
