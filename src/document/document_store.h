#pragma once

#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "event/decoder.h"
#include "event/position.h"

namespace millrace::document {

/// Which of two changes of a document is newer. Within a split its offset says so. Between splits (a topic made again,
/// a key that moved when a topic got more partitions) the record's time does, then the split's name: an order that no
/// replay changes.
struct Version {
  event::SplitId split;
  int64_t offset = 0;
  Timestamp time{};
};

bool IsNewer(const Version& one, const Version& than);

/// Since 1970-01-01, rounded down: the form that the time of a version has in a store.
int64_t Milliseconds(Timestamp time);

/// "<split>/<offset>": no other record has it, also when a topic is made again under its name.
std::string PlaceOf(const event::SplitId& split, int64_t offset);

/// A record that was parsed. Lives until its parser's next one.
struct JsonRecord {
  simdjson::dom::object object;  // whole numbers beyond 64 bits are of the type BIGINT
  std::string_view text;         // what it was parsed from: all digits of numbers stand here
};

/// A record that a store cannot take, whenever it is tried.
struct Unfit {
  event::RejectCause cause = event::RejectCause::kMalformed;
  std::string detail;  // for a person, some hundred bytes at most
};

/// A document in the store's own form.
struct Encoded {
  std::string id;  // equal for two changes of one document; not empty
  std::string body;
};

/// What is to be in the store: the last change of a document.
struct Change {
  Version version;
  std::string id;
  std::string body;
  bool keyed = false;  // else the id is the record's place, and what is there already is this very record
};

/// A record on its way to the store's quarantine.
struct HeldRecord {
  event::SplitId split;
  int64_t offset = 0;
  std::string topic;
  int32_t partition = 0;
  event::RejectCause cause = event::RejectCause::kMalformed;
  std::string detail;
  std::string value;  // as it came
  std::string key;
  Timestamp time{};
};

/// What a store keeps of a member of a HeldRecord: the first of it, which is text where that is UTF-8.
struct HeldBytes {
  std::string_view bytes;
  bool text = false;
};
HeldBytes FirstOf(std::string_view bytes, size_t bytes_max);

/// A collection of a document store, the quarantine beside it, and the positions of who writes it. Every call may wait
/// through an outage, and is stopped, as io::OutagePatience says; else Error kUnavailable. Writes are durable when they
/// return, and harmless when they are repeated, in whatever order.
class DocumentStore {
 public:
  virtual ~DocumentStore() = default;

  /// A document of this object; `key` names the members that are its id. Throws Unfit.
  virtual Encoded Encode(const JsonRecord& record, std::span<const std::string> key, const Version& version) = 0;
  /// The same under an id of its own, its place: "<split>/<offset>". Throws Unfit.
  virtual Encoded EncodeAtPlace(const JsonRecord& record, const Version& version) = 0;
  /// What keeps the place of a deleted document, so that an older change does not bring it back. `key` has the values
  /// of the id, in order. Throws Unfit.
  virtual Encoded EncodeDeleted(std::span<const simdjson::dom::element> key, std::span<const std::string> names,
                                const Version& version) = 0;

  /// What did not fit, whoever else looks.
  struct Refusal {
    size_t change = 0;
    std::string why;
  };
  /// Puts each change in place of whatever is older. No two are of one document.
  virtual std::vector<Refusal> Write(std::span<const Change> changes) = 0;
  /// Keeps records that are no documents; one that is there stays as it is.
  virtual void Hold(std::span<const HeldRecord> records) = 0;

  virtual event::Positions ReadPositions() = 0;
  /// False when a split does not stand at `from` any more (absent: it has not begun); others may have moved.
  bool MovePositions(const event::Positions& from, const event::Positions& to);
  /// Forgets documents deleted before `before`: nothing older than that will be written again.
  virtual void Forget(Timestamp before) = 0;

 private:
  /// One compare and swap. False when it does not stand at `from`.
  virtual bool SwapPosition(const event::SplitId& split, const event::Cursor& from, const event::Cursor& to) = 0;
};

}  // namespace millrace::document
