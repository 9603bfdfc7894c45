#pragma once

#include <arrow/io/file.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "judge/python.h"

namespace millrace::judge {

/// What a judge wrote: per message its length (4 bytes) and bytes.
inline std::vector<std::string> Messages(const std::string& file) {
  std::vector<std::string> messages;
  const auto bytes = Slurp(file);
  for (size_t at = 0; at < bytes.size();) {
    uint32_t size = 0;
    std::memcpy(&size, bytes.data() + at, sizeof size);
    messages.push_back(bytes.substr(at + 4, size));
    at += 4 + size;
  }
  return messages;
}

inline void WriteRows(const std::vector<std::shared_ptr<arrow::RecordBatch>>& batches, const std::string& path) {
  auto out = arrow::io::FileOutputStream::Open(path).ValueOrDie();
  auto writer = arrow::ipc::MakeStreamWriter(out, batches.back()->schema()).ValueOrDie();
  for (const auto& batch : batches) ASSERT_TRUE(writer->WriteRecordBatch(*batch).ok());
  ASSERT_TRUE(writer->Close().ok() && out->Close().ok());
}

}  // namespace millrace::judge
