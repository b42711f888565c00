"""A service that shows its measures as prometheus_client does."""

import threading

from prometheus_client import Counter, Histogram, start_http_server

Counter("recommendations", "Made so far.").inc()
for name in ["evaluation_seconds", "connection_seconds"]:
    Histogram(name, "How long it took.").observe(0.2)

start_http_server(8000)
threading.Event().wait()
