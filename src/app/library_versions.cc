#include "app/library_versions.h"

#include <arrow/config.h>
#include <curl/curl.h>
#include <fmt/format.h>
#include <librdkafka/rdkafka.h>
#include <openssl/crypto.h>
#include <sqlite3.h>

#include "query/duckdb_library.h"

namespace millrace::app {

std::string LibraryVersions() {
  return fmt::format("Arrow {}, DuckDB {}, librdkafka {}, SQLite {}, curl {}, {}", arrow::GetBuildInfo().version_string,
                     query::DuckDb().library_version(), rd_kafka_version_str(), sqlite3_libversion(),
                     curl_version_info(CURLVERSION_NOW)->version, OpenSSL_version(OPENSSL_VERSION));
}

}  // namespace millrace::app
