#include "io/shared_library.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <utility>

#include "base/error.h"

namespace millrace::io {

SharedLibrary::SharedLibrary(std::string file, Binding binding, const std::string& what, const std::string& mend)
    : file_(std::move(file)),
      handle_(dlopen(file_.c_str(), (binding == Binding::kNow ? RTLD_NOW : RTLD_LAZY) | RTLD_LOCAL)) {
  if (handle_ != nullptr) return;
  throw Error(ErrorCode::kUnavailable, fmt::format("{} cannot be loaded: {}; {}", what, dlerror(), mend));
}

void* SharedLibrary::Find(const char* name, const char* known) const {
  void* const found = dlsym(handle_, name);
  if (found != nullptr) return found;
  throw Error(ErrorCode::kUnavailable,
              fmt::format("{} has no {}: it is too old, {} is known to do", file_, name, known));
}

}  // namespace millrace::io
