#include "table/puffin_file.h"

#include <utility>

namespace millrace::table {
namespace {

constexpr std::string_view kMagic = "PFA1";
/// The reserved field id of a row's position in its file.
constexpr int32_t kPositionField = 2147483645;
/// Neither is known when the file is written.
constexpr int kUnknown = -1;

/// Four bytes, little-endian.
void PutNumber(std::string& out, uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(value >> shift & 0xff);
}

}  // namespace

PuffinFile::PuffinFile() : bytes_(kMagic) {}

PuffinFile::Blob PuffinFile::AddDeletionVector(std::string_view vector, const std::string& data_file,
                                               int64_t cardinality) {
  const Blob blob{.offset = static_cast<int64_t>(bytes_.size()), .size = static_cast<int64_t>(vector.size())};
  bytes_ += vector;
  blobs_.push_back(
      {{"type", "deletion-vector-v1"},
       {"fields", {kPositionField}},
       {"snapshot-id", kUnknown},
       {"sequence-number", kUnknown},
       {"offset", blob.offset},
       {"length", blob.size},
       {"properties", {{"referenced-data-file", data_file}, {"cardinality", std::to_string(cardinality)}}}});
  return blob;
}

std::string PuffinFile::Finish() && {
  const std::string payload =
      nlohmann::json{{"blobs", std::move(blobs_)}, {"properties", {{"created-by", "Millrace"}}}}.dump();
  bytes_ += kMagic;
  bytes_ += payload;
  PutNumber(bytes_, static_cast<uint32_t>(payload.size()));
  PutNumber(bytes_, 0);
  bytes_ += kMagic;
  return std::move(bytes_);
}

}  // namespace millrace::table
