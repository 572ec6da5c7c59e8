"""Random sequences of requests to the fake API server and to the real one, which must agree."""
