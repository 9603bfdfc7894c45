#include "bench/pilot.h"

#include <arrow/api.h>
#include <simdjson.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "decode/value_text.h"

namespace millrace::bench {
namespace {

namespace ondemand = simdjson::ondemand;

[[noreturn]] void GiveUp(const char* what) {
  std::fprintf(stderr, "the pilot met what it does not know: %s\n", what);
  std::exit(1);
}

void Check(const arrow::Status& status) {
  if (!status.ok()) GiveUp(status.ToString().c_str());
}

struct Event {
  std::string_view event_id, type, session_id, ts, url, referrer, os, model, app, country, title;
  bool has_referrer = false;
  int64_t user_id = 0, qty = 0;
  double price = 0;
  bool bot = false;
};

constexpr std::array<std::string_view, 13> kMembers{"event_id", "type",     "user_id", "session_id", "ts",
                                                    "url",      "referrer", "device",  "country",    "price",
                                                    "qty",      "title",    "bot"};

bool ReadDevice(ondemand::object device, Event& event) {
  bool failed = false;
  for (auto field : device) {
    ondemand::raw_json_string key;
    if (field.key().get(key)) return false;
    if (key.unsafe_is_equal("os")) {
      failed |= bool(field.value().get(event.os));
    } else if (key.unsafe_is_equal("model")) {
      failed |= bool(field.value().get(event.model));
    } else if (key.unsafe_is_equal("app")) {
      failed |= bool(field.value().get(event.app));
    }
  }
  return !failed;
}

bool ReadReferrer(ondemand::value value, Event& event) {
  event.has_referrer = !value.is_null();
  return !event.has_referrer || !value.get(event.referrer);
}

bool ReadDeviceValue(ondemand::value value, Event& event) {
  ondemand::object device;
  return !value.get(device) && ReadDevice(device, event);
}

bool ReadMember(unsigned member, ondemand::value value, Event& event) {
  switch (member) {
    case 0:
      return !value.get(event.event_id);
    case 1:
      return !value.get(event.type);
    case 2:
      return !value.get(event.user_id);
    case 3:
      return !value.get(event.session_id);
    case 4:
      return !value.get(event.ts);
    case 5:
      return !value.get(event.url);
    case 6:
      return ReadReferrer(value, event);
    case 7:
      return ReadDeviceValue(value, event);
    case 8:
      return !value.get(event.country);
    case 9:
      return !value.get(event.price);
    case 10:
      return !value.get(event.qty);
    case 11:
      return !value.get(event.title);
    case 12:
      return !value.get(event.bot);
    default:
      return true;
  }
}

bool ReadEvent(ondemand::object object, Event& event) {
  unsigned next = 0, seen = 0;
  for (auto field : object) {
    ondemand::raw_json_string key;
    if (field.key().get(key)) return false;
    unsigned member = 31;
    for (unsigned step = 0; step < kMembers.size(); ++step) {
      unsigned candidate = next + step;
      if (candidate >= kMembers.size()) candidate -= static_cast<unsigned>(kMembers.size());
      if (key.unsafe_is_equal(kMembers[candidate])) {
        member = candidate;
        break;
      }
    }
    next = member + 1 >= kMembers.size() ? 0 : member + 1;
    seen |= 1u << member;
    ondemand::value value;
    if (field.value().get(value) || !ReadMember(member, value, event)) return false;
  }
  return (seen & 0x1fff) == 0x1fff;
}

int64_t DaysOf(int64_t year, int64_t month, int64_t day) {
  year -= month <= 2;
  const int64_t era = year / 400, of_era = year - era * 400;
  const int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/// 2021-07-21T06:00:00[.123456]Z, unchecked.
int64_t MicrosOf(std::string_view text) {
  if (text.size() < 20) GiveUp("a time");
  const auto two = [&](size_t at) { return (text[at] - '0') * 10 + (text[at + 1] - '0'); };
  const int64_t seconds =
      DaysOf(two(0) * 100 + two(2), two(5), two(8)) * 86400 + two(11) * 3600 + two(14) * 60 + two(17);
  int64_t fraction = 0, unit = 100'000;
  if (text[19] == '.') {
    for (size_t at = 20; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, unit /= 10) {
      fraction += (text[at] - '0') * unit;
    }
  }
  return seconds * 1'000'000 + fraction;
}

/// Text or 16 bytes.
class UuidBuilder {
 public:
  explicit UuidBuilder(bool bytes) : bytes_(bytes) {}
  std::shared_ptr<arrow::DataType> type() const { return bytes_ ? arrow::fixed_size_binary(16) : arrow::utf8(); }
  void Reserve(int64_t rows) {
    if (bytes_) {
      Check(binary_.Reserve(rows));
    } else {
      Check(text_.Reserve(rows));
      Check(text_.ReserveData(rows * 36));
    }
  }
  void Append(std::string_view uuid) {
    if (!bytes_) return Check(text_.Append(uuid));
    uint8_t value[16];
    if (!decode::ParseUuid(uuid, value)) GiveUp("a UUID");
    binary_.UnsafeAppend(value);
  }
  std::shared_ptr<arrow::Array> Finish() { return bytes_ ? *binary_.Finish() : *text_.Finish(); }

 private:
  const bool bytes_;
  arrow::StringBuilder text_;
  arrow::FixedSizeBinaryBuilder binary_{arrow::fixed_size_binary(16)};
};

class Builders {
 public:
  explicit Builders(const PilotOptions& options)
      : options_(options), event_id_(options.uuid_bytes), session_id_(options.uuid_bytes) {
    const auto text = arrow::utf8();
    const auto device =
        arrow::struct_({arrow::field("os", text), arrow::field("model", text), arrow::field("app", text)});
    device_ = std::make_unique<arrow::StructBuilder>(
        device, arrow::default_memory_pool(), std::vector<std::shared_ptr<arrow::ArrayBuilder>>{os_, model_, app_});
    schema_ = arrow::schema({arrow::field("event_id", event_id_.type()), arrow::field("type", text),
                             arrow::field("user_id", arrow::int64()), arrow::field("session_id", session_id_.type()),
                             arrow::field("ts", ts_.type()), arrow::field("url", text), arrow::field("referrer", text),
                             arrow::field("device", device), arrow::field("country", text),
                             arrow::field("price", arrow::float64()), arrow::field("qty", arrow::int32()),
                             arrow::field("title", text), arrow::field("bot", arrow::boolean())});
    Reserve();
  }

  int64_t rows() const { return rows_; }

  void Append(const Event& event) {
    event_id_.Append(event.event_id);
    session_id_.Append(event.session_id);
    Check(type_.Append(event.type));
    user_id_.UnsafeAppend(event.user_id);
    ts_.UnsafeAppend(MicrosOf(event.ts));
    Check(url_.Append(event.url));
    if (event.has_referrer) {
      Check(referrer_.Append(event.referrer));
    } else {
      referrer_.UnsafeAppendNull();
    }
    Check(device_->Append());
    Check(os_->Append(event.os));
    Check(model_->Append(event.model));
    Check(app_->Append(event.app));
    Check(country_.Append(event.country));
    price_.UnsafeAppend(event.price);
    qty_.UnsafeAppend(static_cast<int32_t>(event.qty));
    Check(title_.Append(event.title));
    bot_.UnsafeAppend(event.bot);
    ++rows_;
  }

  std::shared_ptr<arrow::RecordBatch> Finish() {
    auto batch = arrow::RecordBatch::Make(
        schema_, rows_,
        {event_id_.Finish(), *type_.Finish(), *user_id_.Finish(), session_id_.Finish(), *ts_.Finish(), *url_.Finish(),
         *referrer_.Finish(), *device_->Finish(), *country_.Finish(), *price_.Finish(), *qty_.Finish(),
         *title_.Finish(), *bot_.Finish()});
    rows_ = 0;
    Reserve();
    return batch;
  }

 private:
  void Reserve() {
    const int64_t rows = options_.batch_rows;
    event_id_.Reserve(rows);
    session_id_.Reserve(rows);
    for (arrow::ArrayBuilder* builder :
         std::initializer_list<arrow::ArrayBuilder*>{&user_id_, &ts_, device_.get(), &price_, &qty_, &bot_}) {
      Check(builder->Reserve(rows));
    }
    for (arrow::StringBuilder* builder : std::initializer_list<arrow::StringBuilder*>{
             &type_, &url_, &referrer_, os_.get(), model_.get(), app_.get(), &country_, &title_}) {
      Check(builder->Reserve(rows));
      Check(builder->ReserveData(rows * 26));
    }
  }

  const PilotOptions& options_;
  int64_t rows_ = 0;
  UuidBuilder event_id_, session_id_;
  arrow::StringBuilder type_, url_, referrer_, country_, title_;
  arrow::Int64Builder user_id_;
  arrow::Int32Builder qty_;
  arrow::DoubleBuilder price_;
  arrow::BooleanBuilder bot_;
  arrow::TimestampBuilder ts_{arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"), arrow::default_memory_pool()};
  std::shared_ptr<arrow::StringBuilder> os_ = std::make_shared<arrow::StringBuilder>();
  std::shared_ptr<arrow::StringBuilder> model_ = std::make_shared<arrow::StringBuilder>();
  std::shared_ptr<arrow::StringBuilder> app_ = std::make_shared<arrow::StringBuilder>();
  std::unique_ptr<arrow::StructBuilder> device_;
  std::shared_ptr<arrow::Schema> schema_;
};

}  // namespace

void RunPilot(std::string_view lines, const PilotOptions& options, const TakeBatch& take) {
  ondemand::parser parser;
  Builders builders(options);
  const char* at = lines.data();
  const char* const end = at + lines.size();
  while (at < end) {
    const auto* newline = static_cast<const char*>(std::memchr(at, '\n', static_cast<size_t>(end - at)));
    if (newline == nullptr) newline = end;
    const auto size = static_cast<size_t>(newline - at);
    ondemand::document document;
    ondemand::object object;
    Event event;
    if (parser.iterate(at, size, size + simdjson::SIMDJSON_PADDING).get(document) ||
        document.get_object().get(object) || !ReadEvent(object, event)) {
      GiveUp("a record");
    }
    builders.Append(event);
    if (builders.rows() == options.batch_rows) take(builders.Finish());
    at = newline + 1;
  }
  if (builders.rows() > 0) take(builders.Finish());
}

}  // namespace millrace::bench
