"""How targets are proven to exist: by listing, by HEAD, and by probes of the server's honesty."""
