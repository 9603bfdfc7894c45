#include "query/duckdb_library.h"

#include "io/shared_library.h"

namespace millrace::query {
namespace {

DuckDbLibrary Load() {
  // Found by the program's RUNPATH; a sanitizer's own dlopen does not know that one, so its runs say LD_LIBRARY_PATH.
  const io::SharedLibrary library("libduckdb.so", io::SharedLibrary::Binding::kLazy, "DuckDB",
                                  "it belongs to the program: install that again");
  DuckDbLibrary loaded;
#define MILLRACE_FIND(name) library.Find("duckdb_" #name, "1.5", loaded.name);
  MILLRACE_DUCKDB_FUNCTIONS(MILLRACE_FIND)
#undef MILLRACE_FIND
  return loaded;
}

}  // namespace

const DuckDbLibrary& DuckDb() {
  static const DuckDbLibrary library = Load();
  return library;
}

}  // namespace millrace::query
