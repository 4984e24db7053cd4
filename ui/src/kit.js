// What every page loads: htmx with its event streams, and the parts of Tabler that need script.
import htmx from "htmx.org";
import "htmx.org/dist/ext/hx-sse.js";
import { bootstrap } from "@tabler/core";

window.bootstrap = bootstrap; // for the pages' own scripts, as htmx is

// A board in a background tab must go on hearing: without this its stream is closed while nobody looks at it. And it must
// not wait a minute before it tries again. A page's own <meta name="htmx-config"> wins.
htmx.config.sse = { pauseOnBackground: false, reconnectMaxDelay: 5000, ...htmx.config.sse };
