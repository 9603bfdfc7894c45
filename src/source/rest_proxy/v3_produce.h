#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "event/stream.h"
#include "source/rest_proxy/proxy_schemas.h"
#include "source/rest_proxy/records_in_making.h"
#include "source/rest_proxy/rest_refusal.h"
#include "source/rest_proxy/v3_record.h"

namespace millrace::source {

/// Records of the v3 API on their way to one topic, and what is answered of each, in order: those that are refused
/// before they are appended among them.
class V3Produce {
 public:
  struct Options {
    std::string cluster_id;
    std::string topic;
    int64_t bytes_max = 0;  // of keys and values together
  };
  V3Produce(Options options, ProxySchemas& schemas);

  /// Takes one object, which is padded; a record that is refused is answered so. Throws only what ends the request.
  void Add(std::string_view object, const std::function<void(int32_t partition)>& check_partition);
  /// Something that is no record stands there.
  void AddProblem(const RestProblem& problem);
  size_t size() const { return entries_.size(); }
  bool has_records() const { return records_.size() > 0; }

  event::AppendRequest Finish(Timestamp now);
  /// One object and a line break for each that was added. `reports`: one for each record that was appended.
  std::string Answer(const std::vector<event::RecordReport>& reports, const RestProblem& why) const;

 private:
  struct Side {
    bool there = false;
    EmbeddedFormat format = EmbeddedFormat::kBinary;
    std::optional<std::string> subject;
    EncoderPtr encoder;
    std::optional<int32_t> version;
    size_t bytes = 0;
  };
  struct Entry {
    std::optional<RestProblem> problem;
    std::optional<Timestamp> time;
    Side key;
    Side value;
  };
  std::optional<std::string> Take(const V3Record::Data& data, bool is_key, Side& side);
  static void AddSide(std::string& to, const char* name, const Side& side);

  const Options options_;
  const std::string head_;  // what each answer says of where it went
  ProxySchemas& schemas_;
  RecordsInMaking records_;
  std::vector<Entry> entries_;
  Timestamp now_{};
};

}  // namespace millrace::source
