#include "io/sqlite_format.h"

#include <fmt/format.h>

namespace millrace::io {

void EnsureLayout(Connection& connection, const std::filesystem::path& file, int64_t known) {
  const auto found = connection.QueryInt("PRAGMA user_version");
  if (found > known) {
    throw Error(
        ErrorCode::kStop,
        fmt::format("{} was written by a newer version of millrace: it has format {} and this program knows {}; "
                    "use the version that wrote it",
                    file.string(), found, known));
  }
  if (found == 0) connection.Execute(fmt::format("PRAGMA user_version = {}", known));
}

}  // namespace millrace::io
