#include "io/mongo_driver.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cstdlib>

#include "base/error.h"
#include "base/log.h"

namespace millrace::io {
namespace {

constexpr const char* kLibrary = "libmongoc-1.0.so.0";

void Tell(mongoc_log_level_t level, const char* domain, const char* message, void*) {
  // Its warnings are about what comes back as an error.
  if (level <= MONGOC_LOG_LEVEL_CRITICAL) LogWarning("{}: {}", domain, message);
}

template <typename Function>
void Find(void* library, const char* name, Function*& function) {
  function = reinterpret_cast<Function*>(dlsym(library, name));
  if (function == nullptr) {
    throw Error(ErrorCode::kUnavailable,
                fmt::format("{} has no {}: it is too old, 1.23 is known to do", kLibrary, name));
  }
}

/// Its own clean-up is left to the end of the process, which other threads may outlive.
MongoDriver Load() {
  void* library = dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    throw Error(
        ErrorCode::kUnavailable,
        fmt::format("MongoDB's driver cannot be loaded: {}; on Debian, apt install libmongoc-1.0-0", dlerror()));
  }
  MongoDriver driver;
#define MILLRACE_FIND(name) Find(library, "mongoc_" #name, driver.name);
  MILLRACE_MONGO_FUNCTIONS(MILLRACE_FIND)
#undef MILLRACE_FIND
  driver.init();
  driver.log_set_handler(Tell, nullptr);
  return driver;
}

}  // namespace

const MongoDriver& Mongo() {
  static const MongoDriver driver = Load();
  return driver;
}

void KeepMongoCountersPrivate() { setenv("MONGOC_DISABLE_SHM", "1", 0); }

}  // namespace millrace::io
