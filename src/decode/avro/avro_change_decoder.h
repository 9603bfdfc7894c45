#pragma once

#include <memory>

#include "decode/avro/avro_decoder.h"
#include "decode/change_event.h"

namespace millrace::decode {

/// Avro records that change the rows of a table by their key, as ChangeDecoder has them of JSON: rows as AvroDecoder
/// makes them of the record, or of the part of Debezium's envelope that is the row, in the types its schema gives them,
/// and keys to delete. Fields of the envelope that are kept become columns in their types.
///
/// The key of a tombstone, and of a delete without `before`, is Avro by a schema of the registry, or else text: JSON
/// with the columns of the key, or, of one column, its bare value. With kSingleObject and kNone it is text.
///
/// rows + deletes + rejects + blank = records. Errors as AvroDecoder has them. One thread at a time.
class AvroChangeDecoder final : public event::Decoder {
 public:
  /// Error kConfig as AvroDecoder, and when what readers want is to be an envelope and has no record `after`.
  AvroChangeDecoder(ChangeForm form, AvroDecoderOptions rows);
  ~AvroChangeDecoder() override;
  AvroChangeDecoder(const AvroChangeDecoder&) = delete;
  AvroChangeDecoder& operator=(const AvroChangeDecoder&) = delete;

  event::Decoded Decode(const event::EventBatch& events) override;
  std::shared_ptr<arrow::Schema> schema() const override;
  void Adopt(std::shared_ptr<arrow::Schema> schema) override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace millrace::decode
