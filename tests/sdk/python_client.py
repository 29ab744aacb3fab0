"""Posts events with an unchanged Python SDK: python_client.py segment|rudder HOST WRITE_KEY COUNT."""

import sys

which, host, key, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
errors = []


def on_error(error, items):
    errors.append(error)


if which == "segment":
    from segment.analytics.client import Client

    client = Client(key, host=host, gzip=True, on_error=on_error, max_retries=2)
else:
    from rudderstack.analytics.client import Client

    client = Client(key, host=host, on_error=on_error, max_retries=2)

client.identify(f"{which}-1", traits={"email": f"{which}@example.com", "plan": "gold"})
for i in range(count):
    client.track(f"{which}-1", f"{which} event", {"i": i, "price": "12.50"})
client.flush()
client.join()
print(f"{len(errors)} errors")
sys.exit(1 if errors else 0)
