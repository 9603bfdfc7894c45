#pragma once

#include <cstddef>
#include <functional>

namespace millrace::io {

/// Calls `body` with 0 to `count` - 1, up to `at_once` at a time, on the caller's thread and on some of their own; for
/// requests to a store, each of which takes its time. After the first failure no more are begun; it is thrown when all
/// that were have ended. What stops the requests of the caller's thread (OutagePatience) stops these too.
void SeveralAtOnce(size_t count, size_t at_once, const std::function<void(size_t)>& body);
/// The same, where what fails is done again for as long as the caller's thread is patient (OutagePatience, which is of
/// that thread alone): `body` returns for each once.
void SeveralPatiently(size_t count, size_t at_once, const std::function<void(size_t)>& body);

}  // namespace millrace::io
