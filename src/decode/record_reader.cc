#include "decode/record_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "decode/arrow_columns.h"
#include "decode/contract_cause.h"
#include "decode/json_scan.h"
#include "decode/json_string.h"

namespace millrace::decode {

using event::RejectCause;

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
}  // namespace

RecordReader::RecordReader(const JsonDecoderOptions& options, Column& root, Column& rescued)
    : options_(options), root_(root), rescued_(rescued) {}

void RecordReader::SetText(std::string_view text, const uint32_t* tokens, uint32_t count) {
  base_ = text.data();
  next_ = tokens;
  end_ = tokens + count;
}

RecordReader::Result RecordReader::Read(size_t begin, size_t end) {
  record_begin_ = begin;
  record_end_ = end;
  while (next_ < end_ && *next_ < begin) ++next_;
  if (next_ == end_ || *next_ >= end) return Result::kBlank;
  const uint32_t* const first = next_;
  if (std::string_view(base_ + *next_, end - *next_).starts_with(kByteOrderMark) && next_[1] == *next_ + 3u) ++next_;
  Status status;
  if (next_ == end_ || base_[*next_] != '{') {
    const auto scanned = ScanValue(base_ + *next_, base_ + end, options_.depth_max);
    const bool valid = scanned && SkipSpace(scanned.end, base_ + end) == base_ + end;
    status = valid ? Fail(RejectCause::kNotAnObject, "is JSON, but no object: a row needs one")
                   : Fail(scanned.cause, "is no JSON object");
  } else {
    ++next_;
    status = ReadObject(root_);
    if (status == Status::kOk && next_[-1] >= end) status = Malformed("ends before its last bracket");
    if (status == Status::kOk && next_ < end_ && *next_ < end) status = Malformed("goes on after its last bracket");
  }
  const Result result = Finish(status);
  // A record without its end reads on into the next one.
  if (result != Result::kRow) next_ = first;
  return result;
}

RecordReader::Result RecordReader::Finish(Status status) {
  if (status == Status::kOk && rescued_row_.bytes() > RescuedBytesMax()) {
    status = Fail(RejectCause::kTooManyColumns, "has more to rescue than a row may hold");
  }
  if (status == Status::kOk) {
    counts_.rescued_values += rescued_row_.count();
    rescued_row_.Flush(rescued_);
    return Result::kRow;
  }
  root_.TruncateTo(rescued_.length);
  rescued_row_.Clear();
  return status == Status::kInfer ? Result::kInfer : Result::kReject;
}

size_t RecordReader::RescuedBytesMax() const {
  const size_t room = static_cast<size_t>(std::numeric_limits<int32_t>::max() - rescued_.text.size());
  return std::min(room, 4 * (record_end_ - record_begin_) + (size_t{1} << 20));
}

RecordReader::Status RecordReader::ReadObject(Column& object) {
  if (base_[*next_] == '}' && next_ < end_) {
    ++next_;
    return CloseObject(object);
  }
  Column** expected = &object.first;
  for (int unknown = 0;;) {
    if (end_ - next_ < 3) return Malformed("ends inside an object");
    const char* const key = base_ + next_[0];
    if (*key != '"' || base_[next_[1]] != ':') return Malformed("has no key and colon where they must be");
    Column* member = *expected;
    if (member == nullptr || !member->pattern.Matches(key + 1)) [[unlikely]] {
      const auto name = KeyText();
      if (!name) return BadKey();
      member = object.FindChild(*name);
      if (member == nullptr) {
        if (++unknown > options_.columns_max) return TooWide();
        next_ += 2;
        const Status status = ReadUnknown(object, *name);
        if (status != Status::kOk) return status;
      } else {
        *expected = member;
      }
    }
    if (member != nullptr) [[likely]] {
      next_ += 2;
      expected = &member->successor;
      const Status status = ReadMember(object, *member);
      if (status != Status::kOk) return status;
    }
    const char separator = base_[*next_++];
    if (separator == '}') return CloseObject(object);
    if (separator != ',') return Malformed("has no comma or bracket after a member");
  }
}

std::optional<std::string_view> RecordReader::KeyText() {
  const std::string_view raw = ScalarHere();
  const std::string_view inner = raw.substr(1, raw.size() - 2);
  if (inner.find('\\') == std::string_view::npos) return inner;
  key_scratch_.resize(inner.size());
  const auto unescaped = Unescape(inner, key_scratch_.data());
  key_is_half_a_pair_ = unescaped.result == Unescaped::Result::kLoneSurrogate;
  if (unescaped.result != Unescaped::Result::kOk) return std::nullopt;
  return std::string_view(key_scratch_.data(), unescaped.size);
}

std::string_view RecordReader::ScalarHere() const {
  const char* const begin = base_ + next_[0];
  const char* end = base_ + next_[1];
  while (end > begin + 1 && (end[-1] == ' ' || end[-1] == '\n' || end[-1] == '\r' || end[-1] == '\t')) --end;
  return {begin, static_cast<size_t>(end - begin)};
}

RecordReader::Status RecordReader::CloseObject(Column& object) {
  if (object.has_required) {
    for (const auto& member : object.children) {
      if (!member->required || member->length > object.length) continue;
      const Status status = Unrequire(*member);
      if (status != Status::kOk) return status;
    }
  }
  object.CloseRow();
  return Status::kOk;
}

RecordReader::Status RecordReader::Unrequire(Column& column) {
  if (!TypesEvolve()) {
    return Fail(CauseOf(options_.contract.types),
                fmt::format("has no value for the required column {}", Shortened(PathOf(column))));
  }
  column.required = false;
  counts_.schema_changed = true;
  return Status::kOk;
}

RecordReader::Status RecordReader::ReadMember(Column& object, Column& member) {
  if (member.length != object.length) {
    if (member.length > object.length) {
      return Twice(PathOf(object, member.name));
    }
    member.PadTo(object.length);
  }
  const uint32_t* const start = next_;
  const Status status = ReadValue(member);
  if (status != Status::kMisfit) [[likely]] {
    return status;
  }
  next_ = start;
  return RescueValue(member);
}

RecordReader::Status RecordReader::ReadUnknown(Column& object, std::string_view name) {
  if (ColumnsEvolve() && MayAdd(object, name)) {
    if (may_infer_) return Status::kInfer;
  } else if (!ColumnsEvolve()) {
    CountUnknown(SchemaPathOf(object, name));
    if (base_[*next_] == 'n') {
      // Nothing to keep, but a second one of this name is still one too many.
      if (!TakeRaw()) return Status::kReject;
      std::string path = PathOf(object, name);
      return rescued_row_.Note(path) ? Status::kOk : Twice(path);
    }
    if (Rejects(options_.contract.columns)) {
      return Fail(CauseOf(options_.contract.columns),
                  fmt::format("has the member {}, which the contract keeps out; set `columns: "
                              "evolve` or `discard_value` to take such records",
                              Shortened(PathOf(object, name))));
    }
  }
  std::string path = PathOf(object, name);
  const auto raw = TakeRaw();
  if (!raw) return Status::kReject;
  return Rescue(std::move(path), *raw);
}

bool RecordReader::MayAdd(const Column& object, std::string_view name) const {
  return tree_columns_ < static_cast<size_t>(options_.columns_max) &&
         name.size() <= static_cast<size_t>(options_.name_bytes_max) && !object.HasFolded(name) &&
         !IsReserved(options_, object, name);
}

void RecordReader::CountUnknown(std::string path) {
  const auto found = counts_.unknown_columns.find(path);
  if (found != counts_.unknown_columns.end()) {
    ++found->second;
  } else if (counts_.unknown_columns.size() < static_cast<size_t>(options_.columns_max)) {
    counts_.unknown_columns.emplace(std::move(path), 1);
  } else {
    ++counts_.unknown_columns["(others)"];
  }
}

RecordReader::Status RecordReader::RescueValue(Column& column) {
  if (Rejects(options_.contract.types)) {
    return Fail(CauseOf(options_.contract.types),
                fmt::format("has a value at {} that does not fit its type; set `types: "
                            "discard_value` to take such records",
                            Shortened(PathOf(column))));
  }
  const auto raw = TakeRaw();
  if (!raw) return Status::kReject;
  if (column.required) {
    const Status status = Unrequire(column);
    if (status != Status::kOk) return status;
  }
  const Status status = Rescue(PathOf(column), *raw);
  if (status == Status::kOk) column.AppendNull();
  return status;
}

RecordReader::Status RecordReader::Rescue(std::string path, std::string_view raw) {
  return rescued_row_.Add(path, raw) ? Status::kOk : Twice(path);
}

std::optional<std::string_view> RecordReader::TakeRaw() {
  const char* const begin = base_ + *next_;
  const auto scanned = ScanValue(begin, base_ + record_end_, options_.depth_max);
  if (!scanned) {
    Fail(scanned.cause,
         fmt::format("byte {}: {}", scanned.wrong_at - base_ - static_cast<ptrdiff_t>(record_begin_), scanned.why));
    return std::nullopt;
  }
  while (next_ < end_ && base_ + *next_ < scanned.end) ++next_;
  const char* const following = base_ + (next_ < end_ ? *next_ : *end_);
  if (SkipSpace(scanned.end, following) != following) {
    Malformed("has characters behind a value");
    return std::nullopt;
  }
  return std::string_view(begin, static_cast<size_t>(scanned.end - begin));
}

RecordReader::Status RecordReader::Twice(std::string_view path) {
  return Fail(RejectCause::kDuplicateKey, fmt::format("names {} twice", Shortened(path)));
}

RecordReader::Status RecordReader::BadKey() {
  return key_is_half_a_pair_ ? Fail(RejectCause::kInvalidUtf8, "has a key with half a surrogate pair, which is no text")
                             : Malformed("has an unknown escape in a key");
}

RecordReader::Status RecordReader::TooWide() {
  return Fail(RejectCause::kTooManyColumns,
              fmt::format("has an object with more than {} unknown members", options_.columns_max));
}

RecordReader::Status RecordReader::Fail(RejectCause cause, std::string detail) {
  reject_ = {.cause = cause, .detail = std::move(detail)};
  return Status::kReject;
}

RecordReader::Status RecordReader::Malformed(const char* what) {
  const size_t at = next_ < end_ ? *next_ : record_end_;
  return Fail(RejectCause::kMalformed,
              fmt::format("near byte {}: {}", std::min(at, record_end_) - record_begin_, what));
}

}  // namespace millrace::decode
