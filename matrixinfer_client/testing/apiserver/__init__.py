"""The fake API server without its doors: requests in, answers out, all in memory."""
