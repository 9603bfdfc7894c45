#include "source/joined_records.h"

#include <simdjson.h>

#include <cstring>

namespace millrace::source {

JoinedRecords::JoinedRecords(const std::vector<std::string_view>& documents)
    : batch_(std::make_shared<event::EventBatch>()) {
  size_t bytes = 0;
  for (const auto document : documents) bytes += document.size() + 1;
  // minify() may write a vector's width behind what it leaves.
  payload_ = PaddedBuffer::Allocate(bytes + PaddedBuffer::kPadding);
  batch_->records.reserve(documents.size());
}

std::string_view JoinedRecords::Add(std::string_view document, Form form) {
  char* at = payload_->data() + size_;
  size_t size = 0;
  const bool as_it_came = form == Form::kOneLine && std::memchr(document.data(), '\n', document.size()) == nullptr;
  if (as_it_came || simdjson::minify(document.data(), document.size(), at, size) != simdjson::SUCCESS) {
    size = document.copy(at, document.size());
  }
  batch_->records.push_back({static_cast<uint32_t>(size_), static_cast<uint32_t>(size)});
  at[size] = '\n';
  size_ += size + 1;
  return {at, size};
}

void JoinedRecords::TakeBack() {
  size_ = batch_->records.back().begin;
  batch_->records.pop_back();
}

std::shared_ptr<event::EventBatch> JoinedRecords::Finish() {
  payload_->Resize(size_);
  batch_->payload = payload_;
  batch_->newline_joined = true;
  return batch_;
}

std::shared_ptr<event::EventBatch> Joined(const std::vector<std::string_view>& documents) {
  JoinedRecords records(documents);
  for (const auto document : documents) records.Add(document, JoinedRecords::Form::kOneLine);
  return records.Finish();
}

}  // namespace millrace::source
