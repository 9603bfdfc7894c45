#include "io/mongo_driver.h"

#include <cstdlib>

#include "base/log.h"
#include "io/shared_library.h"

namespace millrace::io {
namespace {

void Tell(mongoc_log_level_t level, const char* domain, const char* message, void*) {
  // Its warnings are about what comes back as an error.
  if (level <= MONGOC_LOG_LEVEL_CRITICAL) LogWarning("{}: {}", domain, message);
}

MongoDriver Load() {
  const SharedLibrary library("libmongoc-1.0.so.0", SharedLibrary::Binding::kNow, "MongoDB's driver",
                              "on Debian, apt install libmongoc-1.0-0");
  MongoDriver driver;
#define MILLRACE_FIND(name) library.Find("mongoc_" #name, "1.23", driver.name);
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
