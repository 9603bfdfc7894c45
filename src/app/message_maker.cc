#include "app/message_maker.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "event/blank.h"
#include "schema/json_object.h"

namespace millrace::app {
namespace {

using Json = nlohmann::json;

/// "path:line" of a record that lies in a plain file at this offset; of a compressed one its number says where it is.
std::string WhereIs(const std::vector<std::string>& paths, int64_t offset, uint64_t number) {
  auto counted = fmt::format("record {}", number);
  if (paths.size() != 1 || paths[0].find_first_of("*?[") != std::string::npos) return counted;
  std::ifstream file(paths[0], std::ios::binary);
  char first[4] = {};
  if (!file.read(first, sizeof first)) return counted;
  const bool packed = (first[0] == '\x1f' && first[1] == '\x8b') || (first[0] == '\x28' && first[1] == '\xb5');
  if (packed) return fmt::format("{}: {}", paths[0], counted);
  file.seekg(0);
  int64_t line = 1;
  std::string piece(size_t{1} << 16, '\0');
  for (int64_t left = offset; left > 0;) {
    file.read(piece.data(), std::min<int64_t>(left, static_cast<int64_t>(piece.size())));
    const auto got = file.gcount();
    if (got <= 0) return fmt::format("{}: {}", paths[0], counted);
    line += std::count(piece.begin(), piece.begin() + got, '\n');
    left -= got;
  }
  return fmt::format("{}:{}", paths[0], line);
}

/// Text as it is, anything else as JSON; nullopt: absent or null.
std::optional<std::string> KeyOf(const Json& record, const std::string& path) {
  const Json* at = &record;
  for (size_t begin = 0; begin <= path.size();) {
    const auto dot = std::min(path.find('.', begin), path.size());
    if (!at->is_object()) return std::nullopt;
    const auto member = at->find(path.substr(begin, dot - begin));
    if (member == at->end()) return std::nullopt;
    at = &*member;
    begin = dot + 1;
  }
  if (at->is_null()) return std::nullopt;
  return at->is_string() ? at->get<std::string>() : at->dump();
}

}  // namespace

struct MessageMaker::Draft {
  std::string values;
  std::string keys;
  std::vector<event::Span> records;
  std::vector<event::Span> key_spans;

  static event::Span Take(std::string& to, std::string_view text) {
    if (text.size() + to.size() > std::numeric_limits<uint32_t>::max()) {
      throw Error(ErrorCode::kData, "the messages of one batch come to more than 4 GiB");
    }
    const event::Span span{static_cast<uint32_t>(to.size()), static_cast<uint32_t>(text.size())};
    to += text;
    return span;
  }
};

MessageMaker::MessageMaker(MessageOptions options) : options_(std::move(options)) {
  if (options_.schema) encoder_.emplace(options_.schema, options_.message);
}

void MessageMaker::Add(std::string_view record, Draft& draft) {
  const auto parsed = schema::MaybeParseJson(record);
  if (!parsed) throw Error(ErrorCode::kData, "is no JSON, or nests too deep");
  const Json& value = *parsed;
  if (!options_.key.empty()) {
    draft.key_spans.push_back(Draft::Take(draft.keys, KeyOf(value, options_.key).value_or("")));
  }
  draft.records.push_back(Draft::Take(draft.values, encoder_ ? encoder_->Encode(value, record) : std::string(record)));
}

event::EventBatchPtr MessageMaker::Make(const event::EventBatchPtr& batch, const std::vector<std::string>& paths) {
  if (!options_.schema && options_.key.empty()) return batch;
  Draft draft;
  auto made = std::make_shared<event::EventBatch>(*batch);
  made->offsets.clear();
  made->timestamps.clear();
  for (size_t i = 0; i < batch->size(); ++i) {
    if (event::IsBlank(batch->record(i))) continue;
    ++made_;
    try {
      Add(batch->record(i), draft);
    } catch (const Error& error) {
      throw Error(error.code(), fmt::format("{}: {}; nothing from here on was sent",
                                            WhereIs(paths, batch->offset(i), made_), error.message()));
    }
    made->offsets.push_back(batch->offset(i));
    if (!batch->timestamps.empty()) made->timestamps.push_back(batch->timestamps[i]);
  }
  made->payload = PaddedBuffer::CopyOf(draft.values);
  made->records = std::move(draft.records);
  made->newline_joined = false;
  made->key_payload = draft.key_spans.empty() ? nullptr : PaddedBuffer::CopyOf(draft.keys);
  made->keys = std::move(draft.key_spans);
  return made;
}

}  // namespace millrace::app
