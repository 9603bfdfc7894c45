#include "decode/change_decoder.h"

#include <arrow/api.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "decode/change_columns.h"
#include "event/blank.h"

namespace millrace::decode {
namespace {

using event::Decoded;
using event::EventBatch;

/// Documents back to back, and the record that each came from.
class Documents {
 public:
  void Add(uint32_t record, std::string_view front, std::string_view text) {
    spans_.push_back(
        {.begin = static_cast<uint32_t>(text_.size()), .size = static_cast<uint32_t>(front.size() + text.size())});
    text_.append(front);
    text_.append(text);
    text_ += '\n';
    records_.push_back(record);
  }
  bool empty() const { return spans_.empty(); }
  const std::vector<uint32_t>& records() const { return records_; }

  EventBatch Batch() && {
    EventBatch batch;
    batch.payload = PaddedBuffer::CopyOf(text_);
    batch.records = std::move(spans_);
    batch.newline_joined = true;
    return batch;
  }

 private:
  std::string text_;
  std::vector<event::Span> spans_;
  std::vector<uint32_t> records_;
};

}  // namespace

class ChangeDecoder::Impl {
 public:
  Impl(ChangeForm form, JsonDecoderOptions rows)
      : form_(form), reader_(std::move(form)), limits_(rows), rows_(std::move(rows)) {}

  Decoded Decode(const EventBatch& events);
  std::shared_ptr<arrow::Schema> schema() const { return rows_.schema(); }
  void Adopt(std::shared_ptr<arrow::Schema> schema) { rows_.Adopt(std::move(schema)); }

 private:
  /// A batch taken apart.
  struct Parts {
    Documents rows;
    /// By record, rising. A tombstone has no document yet: what its key means depends on the type of the column, which
    /// the rows may bring.
    std::vector<std::pair<uint32_t, std::string>> deletes;
    std::vector<event::Reject> rejects;
    uint32_t blank = 0;
  };

  bool IsPlain(const EventBatch& events) const;
  Parts TakeApart(const EventBatch& events) const;
  void Take(uint32_t record, ChangeEvent change, Parts& parts) const;
  bool KnowKey();
  void DecodeDeletes(const EventBatch& events, std::vector<std::pair<uint32_t, std::string>> deletes,
                     const std::vector<uint32_t>& of_row, Decoded& decoded);

  const ChangeForm form_;
  const ChangeReader reader_;
  const JsonDecoderOptions limits_;
  JsonDecoder rows_;
  std::shared_ptr<arrow::Schema> key_of_;  // the schema of rows that `keys_` was made for
  std::unique_ptr<JsonDecoder> keys_;      // null: the columns of the key are not known
  bool text_key_ = false;
};

/// Nothing but rows: they need not be taken apart.
bool ChangeDecoder::Impl::IsPlain(const EventBatch& events) const {
  if (form_.envelope != ChangeForm::Envelope::kNone || !form_.operation.empty()) return false;
  if (events.keys.empty()) return true;
  for (size_t record = 0; record < events.size(); ++record) {
    if (events.records[record].size == 0 && !events.key(record).empty()) return false;
  }
  return true;
}

void ChangeDecoder::Impl::Take(uint32_t record, ChangeEvent change, Parts& parts) const {
  if (change.reject) {
    change.reject->record = record;
    parts.rejects.push_back(std::move(*change.reject));
    return;
  }
  if (!change.deletes.empty()) parts.deletes.emplace_back(record, std::move(change.deletes));
  if (!change.row) return;
  if (change.added.empty()) return parts.rows.Add(record, "", *change.row);
  const auto members = change.row->substr(1);
  const bool none = members.find_first_not_of(" \t\r\n") == members.find('}');
  if (none) change.added.pop_back();  // the comma
  parts.rows.Add(record, "{" + change.added, members);
}

ChangeDecoder::Impl::Parts ChangeDecoder::Impl::TakeApart(const EventBatch& events) const {
  Parts parts;
  for (uint32_t record = 0; record < events.size(); ++record) {
    const auto text = events.record(record);
    const auto key = events.key(record);
    if (text.empty() && !key.empty()) {
      parts.deletes.emplace_back(record, std::string());
    } else if (event::IsBlank(text)) {
      ++parts.blank;
    } else if (static_cast<int64_t>(text.size()) > limits_.record_bytes_max) {
      parts.rows.Add(record, "", text);  // is turned away as too large
    } else {
      Take(record, reader_.Read(text, key), parts);
    }
  }
  return parts;
}

/// The columns of the key, and of the order, as the rows have them.
bool ChangeDecoder::Impl::KnowKey() {
  const auto schema = rows_.schema();
  if (schema == nullptr) return false;
  if (schema == key_of_) return keys_ != nullptr;
  key_of_ = schema;
  keys_.reset();
  auto columns = DeleteColumns(*schema, form_);
  if (!columns) return false;
  text_key_ = columns->field(0)->type()->id() == arrow::Type::STRING;
  JsonDecoderOptions options = limits_;
  options.columns = std::move(columns);
  options.contract = {.columns = schema::ContractMode::kDiscardValue, .types = schema::ContractMode::kDiscardValue};
  options.json_columns.clear();
  options.reserved_names.clear();
  keys_ = std::make_unique<JsonDecoder>(std::move(options));
  return true;
}

void ChangeDecoder::Impl::DecodeDeletes(const EventBatch& events, std::vector<std::pair<uint32_t, std::string>> deletes,
                                        const std::vector<uint32_t>& of_row, Decoded& decoded) {
  if (deletes.empty()) return;
  if (!KnowKey()) {
    for (const auto& [record, document] : deletes) {
      decoded.early_deletes += std::ranges::binary_search(of_row, record) ? 0 : 1;
    }
    return;
  }
  Documents documents;
  for (auto& [record, document] : deletes) {
    if (document.empty()) {
      auto change = reader_.ReadTombstone(events.key(record), text_key_);
      if (change.reject) {
        change.reject->record = record;
        decoded.rejects.push_back(std::move(*change.reject));
        continue;
      }
      document = std::move(change.deletes);
    }
    documents.Add(record, "", document);
  }
  if (documents.empty()) return;
  const std::vector<uint32_t> of_document = documents.records();
  Decoded keys = keys_->Decode(std::move(documents).Batch());
  Renumber(of_document, keys);
  std::ranges::move(keys.rejects, std::back_inserter(decoded.rejects));
  decoded.deletes = std::move(keys.rows);
  decoded.record_of_delete = std::move(keys.record_of_row);
}

Decoded ChangeDecoder::Impl::Decode(const EventBatch& events) {
  if (IsPlain(events)) return rows_.Decode(events);
  Parts parts = TakeApart(events);
  const std::vector<uint32_t> of_row = parts.rows.records();
  Decoded decoded = rows_.Decode(std::move(parts.rows).Batch());
  Renumber(of_row, decoded);
  decoded.blank += parts.blank;
  std::ranges::move(parts.rejects, std::back_inserter(decoded.rejects));
  DecodeDeletes(events, std::move(parts.deletes), of_row, decoded);
  std::ranges::stable_sort(decoded.rejects, {}, &event::Reject::record);
  return decoded;
}

ChangeDecoder::ChangeDecoder(ChangeForm form, JsonDecoderOptions rows)
    : impl_(std::make_unique<Impl>(std::move(form), std::move(rows))) {}

ChangeDecoder::~ChangeDecoder() = default;

Decoded ChangeDecoder::Decode(const EventBatch& events) { return impl_->Decode(events); }
std::shared_ptr<arrow::Schema> ChangeDecoder::schema() const { return impl_->schema(); }
void ChangeDecoder::Adopt(std::shared_ptr<arrow::Schema> schema) { impl_->Adopt(std::move(schema)); }

}  // namespace millrace::decode
