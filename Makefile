# Two commands do everything: `make demo` runs the main job, `make test` passes the tests. `./dev` is the developer's tool.
.PHONY: all setup demo test clean

all: setup
	@./dev build release millrace

setup:
	@scripts/setup

demo: all
	@scripts/demo

test:
	@scripts/setup --servers
	@scripts/test

clean:
	rm -rf build
