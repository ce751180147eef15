/* Jumps from the beginning of one function to that of the next and never returns: to a trace, calls within calls. */
#include "start.h"

__asm(".thumb\n.syntax unified\n"
      ".type ping,%function\n.thumb_func\nping: b pong\n.size ping,.-ping\n"
      ".type pong,%function\n.thumb_func\npong: b ping\n.size pong,.-pong\n");

void ping(void);

void reset_handler(void)
{
    ping();
}
