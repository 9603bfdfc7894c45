#pragma once

#include <filesystem>
#include <string>

#include "judge/python.h"
#include "services/dynamo_server.h"
#include "services/service.h"
#include "stream/kinesis/kinesis_options.h"

namespace millrace::services {

/// A sentence when the server is not installed.
inline std::string KinesisLacks() {
  return std::filesystem::exists(std::string(MILLRACE_DEPS_DIR) + "/kinesalite")
             ? ""
             : "no server of Kinesis's protocol is here: run scripts/setup --servers";
}

/// For a stream at the server, which is started at the first call; quick to look.
inline stream::KinesisOptions KinesisAtServer(const std::filesystem::path& positions) {
  static const judge::Folder folder;
  static const Service server("kinesis.py", {"serve", folder.File("kinesis")});
  stream::KinesisOptions options;
  options.server = DynamoAt(server.address());
  options.positions = positions;
  options.poll = std::chrono::milliseconds(10);
  options.refresh = std::chrono::milliseconds(0);
  return options;
}

}  // namespace millrace::services
