#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "decode/schema_verdicts.h"
#include "event/decoder.h"
#include "schema/registry/registry.h"

namespace millrace::decode {

/// Takes what a registry's serializer puts before a document (a zero and the number of its schema) off and hands the
/// documents to another decoder. The number must be that of a schema of this kind. Messages without bytes (tombstones)
/// go through as they are. One thread at a time.
class FramedDecoder final : public event::Decoder {
 public:
  FramedDecoder(std::unique_ptr<event::Decoder> documents, std::shared_ptr<schema::SchemaLookup> schemas,
                schema::SchemaKind kind)
      : documents_(std::move(documents)), verdicts_(std::move(schemas), kind) {}

  event::Decoded Decode(const event::EventBatch& events) override;
  std::shared_ptr<arrow::Schema> schema() const override { return documents_->schema(); }
  void Adopt(std::shared_ptr<arrow::Schema> schema) override { documents_->Adopt(std::move(schema)); }

 private:
  /// Why a message is none; empty: it is one.
  std::string WhyNot(std::string_view message);

  std::unique_ptr<event::Decoder> documents_;
  SchemaVerdicts verdicts_;
};

}  // namespace millrace::decode
