// SPDX-License-Identifier: Apache-2.0
// A disk that is slow to make things durable: preloaded, it lets each fsync and fdatasync last as many milliseconds
// as the file named by SLOW_SYNC_FILE says at that moment.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void linger(void) {
  const char* path = getenv("SLOW_SYNC_FILE");
  char text[16] = {0};
  const int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0) return;
  const ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  const long ms = n > 0 ? strtol(text, NULL, 10) : 0;
  const struct timespec wait = {ms / 1000, ms % 1000 * 1000000};
  if (ms > 0) nanosleep(&wait, NULL);
}

int fdatasync(int fd) {
  linger();
  return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd);
}

int fsync(int fd) {
  linger();
  return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd);
}
