#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "schema/avro/avro_schema.h"

namespace millrace::schema {

/// Avro's binary encoding, written front to back. The caller writes the fields in its schema's order.
class AvroEncoder {
 public:
  void Long(int64_t value);
  void Boolean(bool value) { bytes_.push_back(value ? '\1' : '\0'); }
  void Float(float value);
  void Double(double value);
  void Bytes(std::string_view value);
  void Fixed(std::string_view value) { bytes_.append(value); }

  std::string_view bytes() const { return bytes_; }
  void Clear() { bytes_.clear(); }
  /// Forgets what was written behind the first `size` bytes.
  void Truncate(size_t size) { bytes_.resize(size); }

 private:
  std::string bytes_;
};

/// Reads Avro's binary encoding as the writer's schema says. Every read is checked against the bytes that are there,
/// and the steps a caller can be made to take are bounded by them, so that a crafted schema of empty records cannot
/// hold it up. Views point into the bytes given. Error kData for anything that does not fit.
class AvroDecoder {
 public:
  explicit AvroDecoder(std::string_view bytes);

  bool AtEnd() const { return rest_.empty(); }
  std::string_view rest() const { return rest_; }

  /// The branch of a union that was written (null: the null branch); any other type is itself.
  const AvroType* Resolve(const AvroType& type);

  /// A value of a resolved type; Error kData when the type is another.
  int64_t Integer(const AvroType& type);  // int, long
  int32_t Int32(const AvroType& type);
  bool Boolean(const AvroType& type);
  float Float(const AvroType& type);
  double Double(const AvroType& type);                // float, double
  std::string_view ByteString(const AvroType& type);  // string, bytes, fixed
  /// Calls `item` before each item; it must consume exactly one. Arrays only.
  void Items(const AvroType& type, const std::function<void(const AvroType&)>& item);
  /// Likewise the pairs of a map, `pair` consuming the value.
  void Pairs(const AvroType& type, const std::function<void(std::string_view key, const AvroType&)>& pair);
  void Skip(const AvroType& type);

  /// Without a schema: for the container.
  int64_t Long();
  std::string_view Take(int64_t length);

 private:
  int64_t BlockCount();
  void SkipAt(const AvroType& type, int depth);
  void Step();

  std::string_view rest_;
  int64_t steps_left_;
};

}  // namespace millrace::schema
