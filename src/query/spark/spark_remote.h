#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "io/http_header.h"

namespace millrace::query {

/// Where a Spark Connect server is, as Spark's own clients write it: "sc://host:15002/;use_ssl=true;user_id=etl".
/// https://github.com/apache/spark/blob/master/sql/connect/docs/client-connection-string.md
struct SparkRemote {
  std::string host;
  int port = 15'002;
  bool use_ssl = false;
  std::string user_id;                       // empty: the name of this program
  std::vector<io::HttpHeader> headers = {};  // what else it says goes with each request

  /// "https://host:15002".
  std::string Url() const;
};

/// Error kConfig that says what is wrong with it. A token in it is refused: it would be shown with it.
SparkRemote ParseSparkRemote(std::string_view text);

}  // namespace millrace::query
