#pragma once

#include <memory>
#include <string>
#include <vector>

#include "decode/change_event.h"
#include "decode/json_decoder.h"

namespace millrace::decode {

/// Records that change the rows of a table by their key: rows as JsonDecoder makes them of the record, or of the part
/// of an envelope that is the row, and keys to delete (event::Decoded::deletes) with their columns in the types that
/// the table has them. A delete never adds or widens a column. rows + deletes + rejects + blank = records; a row whose
/// envelope shows that its key was another one before deletes that one besides. One thread at a time.
class ChangeDecoder final : public event::Decoder {
 public:
  ChangeDecoder(ChangeForm form, JsonDecoderOptions rows);
  ~ChangeDecoder() override;
  ChangeDecoder(const ChangeDecoder&) = delete;
  ChangeDecoder& operator=(const ChangeDecoder&) = delete;

  event::Decoded Decode(const event::EventBatch& events) override;
  std::shared_ptr<arrow::Schema> schema() const override;
  void Adopt(std::shared_ptr<arrow::Schema> schema) override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace millrace::decode
