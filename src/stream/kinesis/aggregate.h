#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace millrace::stream {

/// A record that a producer packed into another one.
struct UserRecord {
  std::string key;
  std::string data;
};

/// What the Kinesis Producer Library and its like packed into one record: the magic number, a protobuf message, its
/// MD5. Empty when it is a plain record: no magic, another checksum, nothing inside, or a message that cannot be read.
/// https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md
std::vector<UserRecord> Unpack(std::string_view data);

}  // namespace millrace::stream
