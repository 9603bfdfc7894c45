#include "decode/structural_index.h"

#include <simdjson.h>

#include <algorithm>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"

namespace millrace::decode {

namespace {

using Stages = std::unique_ptr<simdjson::internal::dom_parser_implementation>;

constexpr size_t kCapacityMin = size_t{256} << 10;
/// What one huge record made larger is given back with the next one.
constexpr size_t kCapacityKept = size_t{8} << 20;
constexpr size_t kDepthOfUnusedSecondStage = 16;

/// Memory that no index uses at the moment. Thread-safe.
class Resting {
 public:
  /// Null when there is none.
  Stages Take() {
    const std::scoped_lock lock(mutex_);
    if (stages_.empty()) return nullptr;
    auto taken = std::move(stages_.back());
    stages_.pop_back();
    return taken;
  }
  void Put(Stages stages) {
    if (stages->capacity() > kCapacityKept) return;
    const std::scoped_lock lock(mutex_);
    if (stages_.size() < most_) stages_.push_back(std::move(stages));
  }

 private:
  const size_t most_ = 2 * std::max<size_t>(1, std::thread::hardware_concurrency());
  std::mutex mutex_;
  std::vector<Stages> stages_;
};

Resting& AllResting() {
  static Resting resting;
  return resting;
}

}  // namespace

struct StructuralIndex::Parser {
  Stages stages;
};

StructuralIndex::StructuralIndex() : parser_(std::make_unique<Parser>()) {}
StructuralIndex::~StructuralIndex() = default;

const uint32_t* StructuralIndex::tokens() const { return parser_->stages->structural_indexes.get(); }
uint32_t StructuralIndex::count() const { return parser_->stages->n_structural_indexes; }

void StructuralIndex::Rest() {
  if (parser_->stages) AllResting().Put(std::move(parser_->stages));
}

StructuralIndex::Result StructuralIndex::Build(std::string_view text) {
  auto& stages = parser_->stages;
  if (!stages) stages = AllResting().Take();
  if (!stages) {
    const auto failed = simdjson::get_active_implementation()->create_dom_parser_implementation(
        std::max(text.size(), kCapacityMin), kDepthOfUnusedSecondStage, stages);
    if (failed) throw Error(ErrorCode::kUnavailable, "no memory to parse JSON; lower the read size");
  } else if (stages->capacity() < text.size() || stages->capacity() > kCapacityKept) {
    if (text.size() > simdjson::SIMDJSON_MAXSIZE_BYTES) return Result::kTooLarge;
    if (stages->set_capacity(std::max(text.size(), kCapacityMin))) {
      throw Error(ErrorCode::kUnavailable, "no memory to parse a JSON record; lower the record size limit");
    }
  }
  switch (stages->stage1(reinterpret_cast<const uint8_t*>(text.data()), text.size(), simdjson::stage1_mode::regular)) {
    case simdjson::SUCCESS:
      return Result::kOk;
    case simdjson::EMPTY:
      return Result::kEmpty;
    case simdjson::UTF8_ERROR:
      return Result::kInvalidUtf8;
    case simdjson::CAPACITY:
      return Result::kTooLarge;
    default:
      return Result::kMalformed;
  }
}

bool IsUtf8(std::string_view text) { return simdjson::validate_utf8(text); }

}  // namespace millrace::decode
