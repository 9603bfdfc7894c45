#include "query/sandbox/channel.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace millrace::query {
namespace {

constexpr size_t kHeaderBytes = sizeof(uint32_t) + sizeof(uint8_t);
constexpr size_t kReadBytes = size_t{256} << 10;

union Ancillary {
  cmsghdr aligned;
  std::array<char, CMSG_SPACE(sizeof(int))> bytes;
};

}  // namespace

Channel::Channel(io::FileDescriptor socket, size_t frame_bytes_max)
    : socket_(std::move(socket)), frame_bytes_max_(frame_bytes_max) {}

void Channel::Send(FrameKind kind, std::string_view body) {
  const auto length = static_cast<uint32_t>(body.size());
  std::string header(kHeaderBytes, '\0');
  std::memcpy(header.data(), &length, sizeof length);
  header.back() = static_cast<char>(kind);
  SendBytes(header, -1);
  SendBytes(body, -1);
}

void Channel::SendDescriptor(FrameKind kind, int descriptor) {
  std::string header(kHeaderBytes, '\0');
  header.back() = static_cast<char>(kind);
  SendBytes(header, descriptor);
}

void Channel::SendBytes(std::string_view bytes, int descriptor) {
  Ancillary ancillary{};
  while (!bytes.empty()) {
    iovec piece{.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    if (descriptor >= 0) {
      message.msg_control = ancillary.bytes.data();
      message.msg_controllen = ancillary.bytes.size();
      auto* header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(sizeof(int));
      std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
    }
    const auto sent = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) {
      throw Error(ErrorCode::kUnavailable, fmt::format("the other process does not read: {}", std::strerror(errno)));
    }
    descriptor = -1;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

bool Channel::Fill() {
  const auto had = buffer_.size();
  buffer_.resize(had + kReadBytes);
  iovec piece{.iov_base = buffer_.data() + had, .iov_len = kReadBytes};
  Ancillary ancillary{};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = ancillary.bytes.data();
  message.msg_controllen = ancillary.bytes.size();
  const auto got = ::recvmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  buffer_.resize(had + (got > 0 ? static_cast<size_t>(got) : 0));
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (got <= 0) {
    closed_ = true;
    return false;
  }
  if (auto* header = CMSG_FIRSTHDR(&message); header != nullptr && header->cmsg_type == SCM_RIGHTS) {
    int descriptor = -1;
    std::memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
    descriptor_ = io::FileDescriptor(descriptor);
  }
  return true;
}

std::optional<Frame> Channel::Cut() {
  if (buffer_.size() < kHeaderBytes) return std::nullopt;
  uint32_t length = 0;
  std::memcpy(&length, buffer_.data(), sizeof length);
  if (length > frame_bytes_max_) {
    throw Error(ErrorCode::kData,
                fmt::format("a message of {} bytes is larger than the {} that may be", length, frame_bytes_max_));
  }
  if (buffer_.size() < kHeaderBytes + length) return std::nullopt;
  Frame frame{.kind = static_cast<FrameKind>(buffer_[kHeaderBytes - 1]), .body = buffer_.substr(kHeaderBytes, length)};
  buffer_.erase(0, kHeaderBytes + length);
  return frame;
}

std::optional<Frame> Channel::TryReceive() {
  while (true) {
    if (auto frame = Cut()) return frame;
    if (closed_ || !Fill()) return std::nullopt;
  }
}

std::optional<Frame> Channel::Receive() {
  while (!closed_) {
    if (auto frame = TryReceive()) return frame;
    pollfd wait{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    if (!closed_) ::poll(&wait, 1, -1);
  }
  return std::nullopt;
}

}  // namespace millrace::query
