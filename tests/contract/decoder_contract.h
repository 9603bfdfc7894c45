#pragma once

#include <arrow/api.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "event/decoder.h"

/// What every Decoder does, as checks to call with a maker of fresh decoders and records of their format.
namespace millrace::event {

using DecoderMaker = std::function<std::unique_ptr<Decoder>()>;

/// Records of one format. `good` ones decode to one row each, whichever comes first; every one of `bad` is rejected.
struct DecoderInput {
  std::vector<std::string> good;
  std::vector<std::string> bad;
  bool joined = true;  // whether records of this format may be joined by newlines
};

inline EventBatch DecoderBatch(const std::vector<std::string>& records, bool joined) {
  std::string payload;
  EventBatch batch;
  for (const auto& record : records) {
    batch.records.push_back({static_cast<uint32_t>(payload.size()), static_cast<uint32_t>(record.size())});
    payload += record;
    if (joined) payload += '\n';
  }
  batch.payload = PaddedBuffer::CopyOf(payload);
  batch.newline_joined = joined;
  return batch;
}

/// Decodes and checks what holds of any result.
inline Decoded DecodeChecked(Decoder& decoder, const std::vector<std::string>& records, bool joined) {
  const auto decoded = decoder.Decode(DecoderBatch(records, joined));
  const size_t rows = decoded.rows ? static_cast<size_t>(decoded.rows->num_rows()) : 0;
  EXPECT_EQ(rows + decoded.rejects.size() + decoded.blank, records.size())
      << "every record is a row, a reject or blank";
  if (decoded.record_of_row.empty()) {
    EXPECT_TRUE(rows == 0 || rows == records.size());
  } else {
    EXPECT_EQ(decoded.record_of_row.size(), rows);
  }
  for (size_t i = 0; i < decoded.rejects.size(); ++i) {
    EXPECT_LT(decoded.rejects[i].record, records.size());
    EXPECT_FALSE(decoded.rejects[i].detail.empty());
    EXPECT_LE(decoded.rejects[i].detail.size(), 500u);
    EXPECT_TRUE(i == 0 || decoded.rejects[i - 1].record < decoded.rejects[i].record) << "rejects come in order";
  }
  if (rows > 0) {
    EXPECT_TRUE(decoded.rows->ValidateFull().ok()) << decoded.rows->ValidateFull().ToString();
    EXPECT_EQ(decoded.rows->schema()->fields().back()->name(), kRescuedColumn);
    EXPECT_TRUE(decoder.schema() && decoded.rows->schema()->Equals(*decoder.schema(), /*check_metadata=*/true));
  } else {
    EXPECT_EQ(decoded.rows, nullptr);
  }
  return decoded;
}

/// The rows of messages that are all good, `batch` of them at a time, by a decoder that knows their columns: it has
/// seen them before, as a worker has that finds the table.
inline std::vector<std::shared_ptr<arrow::RecordBatch>> DecodeInBatches(Decoder& decoder,
                                                                        const std::vector<std::string>& messages,
                                                                        size_t batch) {
  DecodeChecked(decoder, messages, false);
  decoder.Adopt(decoder.schema());
  std::vector<std::shared_ptr<arrow::RecordBatch>> rows;
  for (size_t begin = 0; begin < messages.size(); begin += batch) {
    const auto end = std::min(begin + batch, messages.size());
    const auto decoded = DecodeChecked(
        decoder, {messages.begin() + static_cast<ptrdiff_t>(begin), messages.begin() + static_cast<ptrdiff_t>(end)},
        false);
    EXPECT_TRUE(decoded.rows && decoded.rejects.empty()) << (decoded.rejects.empty() ? "" : decoded.rejects[0].detail);
    EXPECT_EQ(decoded.rescued_values, 0u);
    if (decoded.rows) rows.push_back(decoded.rows);
  }
  return rows;
}

inline void CheckDecoderContract(const DecoderMaker& make, const DecoderInput& input) {
  const auto reference = make();
  ASSERT_EQ(DecodeChecked(*reference, {}, input.joined).rows, nullptr) << "an empty batch has no rows";
  const auto all = DecodeChecked(*reference, input.good, input.joined);
  ASSERT_TRUE(all.rows && all.rejects.empty());

  // Bad records change nothing for their neighbours, wherever they stand.
  std::vector<std::string> mixed;
  for (size_t i = 0; i < input.good.size(); ++i) {
    mixed.push_back(input.bad[i % input.bad.size()]);
    mixed.push_back(input.good[i]);
  }
  const auto beside = DecodeChecked(*reference, mixed, input.joined);
  ASSERT_TRUE(beside.rows);
  EXPECT_TRUE(beside.rows->Equals(*all.rows, true));
  EXPECT_EQ(beside.rejects.size(), input.good.size());
  EXPECT_EQ(DecodeChecked(*reference, input.bad, input.joined).rejects.size(), input.bad.size());

  // Once the schema is known, batch boundaries do not show: one record a batch, from a decoder that adopted the schema.
  const auto adopted = make();
  adopted->Adopt(reference->schema());
  EXPECT_TRUE(adopted->schema()->Equals(*reference->schema(), true));
  std::vector<std::shared_ptr<arrow::RecordBatch>> single;
  for (const auto& record : input.good) single.push_back(DecodeChecked(*adopted, {record}, input.joined).rows);
  const auto table = arrow::Table::FromRecordBatches(single).ValueOrDie()->CombineChunksToBatch().ValueOrDie();
  EXPECT_TRUE(table->Equals(*all.rows, true)) << table->ToString() << all.rows->ToString();
}

}  // namespace millrace::event
