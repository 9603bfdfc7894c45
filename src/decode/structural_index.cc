#include "decode/structural_index.h"

#include <simdjson.h>

#include <algorithm>

#include "base/error.h"

namespace millrace::decode {

struct StructuralIndex::Parser {
  std::unique_ptr<simdjson::internal::dom_parser_implementation> stages;
};

StructuralIndex::StructuralIndex() : parser_(std::make_unique<Parser>()) {}
StructuralIndex::~StructuralIndex() = default;

const uint32_t* StructuralIndex::tokens() const { return parser_->stages->structural_indexes.get(); }
uint32_t StructuralIndex::count() const { return parser_->stages->n_structural_indexes; }

namespace {

constexpr size_t kCapacityMin = size_t{256} << 10;
/// What one huge record made larger is given back with the next one.
constexpr size_t kCapacityKept = size_t{8} << 20;
constexpr size_t kDepthOfUnusedSecondStage = 16;

}  // namespace

StructuralIndex::Result StructuralIndex::Build(std::string_view text) {
  auto& stages = parser_->stages;
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
