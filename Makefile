# Two commands do everything: `make demo` runs the main job, `make test` passes the tests. `./dev` is the developer's tool.
.PHONY: all setup demo demo-kafka test clean

all: setup
	@./dev build release millrace

setup:
	@scripts/setup

demo: all
	@scripts/demo

# The same through a Kafka broker, an S3 server and an Iceberg REST catalogue, which it starts and stops.
demo-kafka: all
	@scripts/setup --servers
	@scripts/demo-kafka

test:
	@scripts/setup --servers
	@scripts/test

clean:
	rm -rf build
