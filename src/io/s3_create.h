#pragma once

#include <string>
#include <string_view>

#include "io/object_store.h"
#include "io/s3_client.h"

namespace millrace::io {

/// A mark that no other creation has, for the metadata of one object.
std::string NewWriterMark();

/// Whether the object there is the one marked `mark`; nullopt when there is none.
std::optional<bool> HasMark(S3Client& client, const std::string& key, const std::string& mark);

/// Creates an object in one request. `sha256` is that of the bytes, in hexadecimal, for whoever has it already.
PutOutcome CreateObject(S3Client& client, const std::string& key, std::string_view bytes);
PutOutcome CreateObject(S3Client& client, const std::string& key, std::string_view bytes, const std::string& sha256);

}  // namespace millrace::io
