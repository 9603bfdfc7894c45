#include "decode/part_of_batch.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace millrace::decode {

PartOfBatch::PartOfBatch(const event::EventBatch& events) : all_(events), part_(events) {
  part_.records.clear();
  part_.keys.clear();
  part_.headers.clear();
  part_.newline_joined = false;
}

void PartOfBatch::Take(uint32_t record, event::Span span) {
  part_.records.push_back(span);
  if (!all_.keys.empty()) part_.keys.push_back(all_.keys[record]);
  record_of_.push_back(record);
}

void PartOfBatch::Reject(uint32_t record, event::RejectCause cause, std::string detail) {
  rejects_.push_back({.record = record, .cause = cause, .detail = std::move(detail)});
}

event::Decoded PartOfBatch::Whole(event::Decoded decoded) && {
  if (rejects_.empty()) return decoded;
  const auto renumber = [&](std::vector<uint32_t>& records) {
    for (auto& record : records) record = record_of_[record];
  };
  const bool every_record = decoded.record_of_row.empty() && decoded.rows != nullptr;
  if (every_record) decoded.record_of_row = record_of_;
  if (!every_record) renumber(decoded.record_of_row);
  renumber(decoded.record_of_delete);
  for (auto& reject : decoded.rejects) reject.record = record_of_[reject.record];
  decoded.rejects.insert(decoded.rejects.end(), std::make_move_iterator(rejects_.begin()),
                         std::make_move_iterator(rejects_.end()));
  std::ranges::sort(decoded.rejects, {}, &event::Reject::record);
  return decoded;
}

}  // namespace millrace::decode
