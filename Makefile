# Two commands do everything: `make demo` runs the main job, `make test` passes the tests. `./dev` is the developer's tool.
.PHONY: all setup demo demo-kafka demo-aws test lint fuzz infra infra-files clean

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

# The same as in AWS: Kinesis, S3 and Glue as others make them, by a simulated clock. `make demo-aws ASK=trino` asks the tables with Trino (0.9 GB more to fetch).
demo-aws: all
	@scripts/setup --$(if $(filter trino,$(ASK)),trino,servers)
	@scripts/demo-aws $(ASK)

test:
	@scripts/setup --servers
	@scripts/test

# Says nothing about what works, and takes as long as the tests: for CI, and before a change is sent.
lint:
	@scripts/setup
	@./dev lint

# Every reader of foreign bytes is fed what nobody thought of, for a while each.
fuzz:
	@scripts/setup
	@./dev fuzz all 15

# What puts the program somewhere: packages and image in a clean Debian, and every file of deploy/. As root: it makes a root of its own.
infra: all
	@scripts/setup --infra
	@scripts/infra

# Of it what needs no rights: every file of deploy/, by its own tools.
infra-files: all
	@scripts/setup --linters
	@scripts/infra files

clean:
	rm -rf build
