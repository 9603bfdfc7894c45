#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "io/file_descriptor.h"

namespace millrace::query {

/// What a frame is. Both ends are one binary: the numbers are on no disk.
enum class FrameKind : uint8_t {
  kStart = 1,  // parent -> worker: a statement and its limits, JSON
  kConfined,   // worker -> parent: it has shut itself in; the descriptor that tells of its opens comes along
  kCall,       // worker -> parent: asks for something of the lake, JSON
  kReply,      // parent -> worker: JSON, or bytes of an object
  kRefusal,    // either way: an Error, JSON
  kScans,      // worker -> parent: what the statement reads, JSON
  kRows,       // worker -> parent: a piece of an Arrow IPC stream
  kEnd,        // worker -> parent: the stream is complete
};

struct Frame {
  FrameKind kind = FrameKind::kEnd;
  std::string body;
};

/// Frames over one end of a pair of sockets: | length u32 | kind u8 | body |, in the machine's byte order. Used by one
/// thread at a time.
class Channel {
 public:
  /// A frame that is longer than `frame_bytes_max` ends the conversation with an Error kData.
  Channel(io::FileDescriptor socket, size_t frame_bytes_max);

  /// Error kUnavailable when the other end has gone, or does not read within the socket's time.
  void Send(FrameKind kind, std::string_view body);
  void SendDescriptor(FrameKind kind, int descriptor);

  /// What has come already: a frame if one is complete. Never waits.
  std::optional<Frame> TryReceive();
  /// The next frame; nullopt when the other end has gone.
  std::optional<Frame> Receive();

  bool closed() const { return closed_; }
  int socket() const { return socket_.get(); }
  /// The descriptor that came along, once.
  io::FileDescriptor TakeDescriptor() { return std::move(descriptor_); }

 private:
  void SendBytes(std::string_view bytes, int descriptor);
  /// False when nothing is there.
  bool Fill();
  std::optional<Frame> Cut();

  io::FileDescriptor socket_;
  const size_t frame_bytes_max_;
  std::string buffer_;
  io::FileDescriptor descriptor_;
  bool closed_ = false;
};

}  // namespace millrace::query
