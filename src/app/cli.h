#pragma once

namespace millrace::app {

/// The whole program: reads the command line, runs one verb, turns what it throws into one sentence on stderr and an
/// exit code.
int Main(int argc, const char* const* argv);

}  // namespace millrace::app
