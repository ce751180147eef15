using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading;

using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.GPIOPort;
using Antmicro.Renode.Peripherals.I2C;
using Antmicro.Renode.Peripherals.UART;
using Antmicro.Renode.Time;

namespace Antmicro.Renode.Peripherals.EdgeSensorTwin
{
    /// <summary>Adds `emulation CreateTwinLink "machine" "commands" "events"` to the monitor.</summary>
    public static class TwinLinkExtensions
    {
        public static void CreateTwinLink(this Emulation emulation, string machineName, string commands, string events)
        {
            IMachine machine = emulation.Machines.First(one => emulation[one] == machineName);
            new TwinLink(emulation, machine, commands, events).Start();
        }
    }

    /// <summary>
    /// Lets another process lead an emulation through two named pipes and hear of what happens in it, each at its
    /// virtual time in nanoseconds. Both carry lines of words; bytes are hexadecimal.
    ///
    /// Commands: `run UNTIL_NS`, `await HEX` (a text that ends a run; `-` for none), `send UART HEX`,
    /// `drive PORT PIN 0|1`, `device BUS ADDRESS` (a device on an I2C bus whose bytes the leader handles),
    /// `camera PORT` (a camera whose frames the leader has), `rate HZ COUNT` (instructions a second at a core clock),
    /// `memory ADDRESS LENGTH`, `stop`; a command that returns nothing is answered with `done`. Events:
    /// `byte UART NS HEX`, `pin PORT PIN 0|1 NS`,
    /// `spent MODE HZ BEGIN_NS END_NS`, `problem TEXT`, `done ...` (behind a run: time, instructions, cycles, time running
    /// and asleep in ns, whether the text came, number of the fault whose handler is running, program counter),
    /// `failed TEXT`, and `alive` every second of the host. Questions of the bus, answered with
    /// one word: `begin BUS ADDRESS READ NS`, `write BUS ADDRESS HEX NS`, `read BUS ADDRESS COUNT STEP_NS NS` (the first
    /// byte a step behind that time, each other a step after the one before); `end` wants none. Questions of a camera's
    /// port: `frame PORT NS` (the first frame from then on: its number, when it begins, rows, bytes of a row, time to the
    /// first row, of a row and of a byte, levels of VSYNC between frames and of HREF in a row; `-` for none) and
    /// `pixels PORT NUMBER`.
    ///
    /// When the leader is gone, so is Renode: the end of the commands ends the process, and removes the folder of the
    /// pipes if its name begins as the leader's folders do.
    /// </summary>
    public class TwinLink
    {
        public TwinLink(Emulation emulation, IMachine machine, string commandsPath, string eventsPath)
        {
            this.emulation = emulation;
            this.machine = machine;
            this.commandsPath = commandsPath;
            this.eventsPath = eventsPath;
            core = machine.GetPeripheralsOfType<CoreClock>().First();
        }

        public void Start()
        {
            new Thread(Lead) { IsBackground = true, Name = "twin link" }.Start();
        }

        /// <summary>Asks the leader and waits for its word.</summary>
        public string Ask(string question)
        {
            Tell(question);
            Flush();
            return answers.Take();
        }

        public void Tell(string line)
        {
            Send(() => writer.Write(line + "\n"));
        }

        public string NowNs => Text(core.NowNs);

        private void Lead()
        {
            writer = new StreamWriter(new FileStream(eventsPath, FileMode.Open, FileAccess.Write), new UTF8Encoding(false));
            Logger.AddBackend(new ProblemLog(this), "twin link");
            // From here on the leader hears of every warning; what is printed would fill a disk unread.
            Logger.RemoveBackend(ConsoleBackend.Instance);
            new Thread(Listen) { IsBackground = true, Name = "twin link commands" }.Start();
            heart = new Timer(_ => Beat(), null, 0, HeartbeatMs);
            Watch();
            Tell("done");
            while(true)
            {
                Flush();
                var words = commands.Take().Split(' ');
                try
                {
                    Obey(words);
                }
                catch(Exception error)
                {
                    Tell("failed " + words[0] + ": " + error.Message.Replace('\n', ' '));
                }
            }
        }

        private void Beat()
        {
            Tell("alive");
            Flush();
        }

        private void Flush()
        {
            Send(() => writer.Flush());
        }

        private void Send(Action write)
        {
            lock(writing)
            {
                try
                {
                    write();
                }
                catch(IOException)
                {
                    Vanish();
                }
            }
        }

        /// <summary>The leader has gone without an order: ends the process, and removes the folder it would have removed.</summary>
        private void Vanish()
        {
            var folder = Path.GetDirectoryName(commandsPath);
            if(Path.GetFileName(folder).StartsWith(LeadersFolder))
            {
                try
                {
                    Directory.Delete(folder, true);
                }
                catch(IOException)
                {
                    // What still writes there keeps it.
                }
            }
            // Leaving in order would wait for threads that wait for the leader.
            Process.GetCurrentProcess().Kill();
        }

        private void Listen()
        {
            // Not through a StreamReader: on a pipe it waits until its buffer is full, and lines may be long.
            var line = new StringBuilder();
            var buffer = new byte[4096];
            using(var pipe = new FileStream(commandsPath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 1))
            {
                int count;
                while((count = pipe.Read(buffer, 0, buffer.Length)) > 0)
                {
                    for(var i = 0; i < count; i++)
                    {
                        if(buffer[i] != '\n')
                        {
                            line.Append((char)buffer[i]);
                            continue;
                        }
                        Take(line.ToString());
                        line.Clear();
                    }
                }
            }
            Vanish();
        }

        private void Take(string line)
        {
            if(line.StartsWith("="))
            {
                answers.Add(line.Substring(1));
            }
            else if(line == "stop")
            {
                isStopped = true;
            }
            else
            {
                // Forgotten here, in the order of the pipe: a stop may come before the run has begun.
                isStopped &= !line.StartsWith("run ");
                commands.Add(line);
            }
        }

        private void Watch()
        {
            core.Spent += (mode, hz, beginNs, endNs) =>
                Tell("spent " + mode + " " + hz + " " + Text(beginNs) + " " + Text(endNs));
            foreach(var uart in machine.GetPeripheralsOfType<IUART>())
            {
                var name = machine.GetLocalName(uart);
                uart.CharReceived += value => Hear(name, value);
            }
            foreach(var port in machine.GetPeripheralsOfType<BaseGPIOPort>())
            {
                var name = machine.GetLocalName(port);
                var ours = port as Gpio;
                if(ours != null)
                {
                    ours.OutputChanged += (pin, high) => TellPin(name, pin, high);
                    continue;
                }
                foreach(var connection in port.Connections)
                {
                    var pin = connection.Key;
                    ((GPIO)connection.Value).AddStateChangedHook(high => TellPin(name, pin, high));
                }
            }
        }

        private void TellPin(string port, int pin, bool high)
        {
            Tell("pin " + port + " " + pin + (high ? " 1 " : " 0 ") + NowNs);
        }

        private void Hear(string uart, byte value)
        {
            core.Look();
            Tell("byte " + uart + " " + NowNs + " " + value.ToString("x2"));
            if(awaited.Length == 0)
            {
                return;
            }
            StringBuilder tail;
            if(!tails.TryGetValue(uart, out tail))
            {
                tails[uart] = tail = new StringBuilder();
            }
            tail.Append(value.ToString("x2"));
            if(tail.Length > awaited.Length)
            {
                tail.Remove(0, tail.Length - awaited.Length);
            }
            isStopped |= tail.ToString() == awaited;
        }

        private void Obey(string[] words)
        {
            switch(words[0])
            {
            case "run":
                Run(ulong.Parse(words[1]));
                return;
            case "await":
                Await(words[1] == "-" ? "" : words[1]);
                break;
            case "send":
                Send(words[1], words[2]);
                break;
            case "drive":
                ((BaseGPIOPort)machine["sysbus." + words[1]]).OnGPIO(int.Parse(words[2]), words[3] == "1");
                break;
            case "device":
                Connect(words[1], int.Parse(words[2]));
                break;
            case "camera":
                ((Dcmi)machine["sysbus." + words[1]]).Attach(new LedCamera(this, words[1]));
                break;
            case "rate":
                core.SetRate(uint.Parse(words[1]), uint.Parse(words[2]));
                break;
            case "memory":
                var bytes = machine.SystemBus.ReadBytes(ulong.Parse(words[1]), int.Parse(words[2]));
                Tell("done " + string.Concat(bytes.Select(one => one.ToString("x2"))));
                return;
            default:
                throw new ArgumentException("no such command");
            }
            Tell("done");
        }

        private void Await(string text)
        {
            if(text != awaited)
            {
                // The same text may begin in one run and end in the next.
                tails.Clear();
            }
            awaited = text;
        }

        private void Run(ulong untilNs)
        {
            var stepNs = awaited.Length > 0 ? AwaitingStepNs : StepNs;
            var looks = 0;
            for(var left = Left(untilNs); left > 0 && !isStopped && looks < LooksOfAFault; left = Left(untilNs))
            {
                emulation.RunFor(TimeInterval.FromNanoseconds(Math.Min(left, stepNs)));
                core.Look();
                looks = core.ActiveFault == 0 ? 0 : looks + 1;
                Flush();
            }
            Logger.Flush();
            Tell(string.Join(" ", new[]
            {
                "done", NowNs, Text(core.Instructions), Text(Math.Round(core.Cycles)), Text(core.RunMicroseconds * 1e3),
                Text(core.AsleepMicroseconds * 1e3), isStopped ? "1" : "0",
                looks > 0 ? core.ActiveFault.ToString() : "0", core.ProgramCounter.ToString(),
            }));
        }

        private ulong Left(ulong untilNs)
        {
            var nowNs = machine.ClockSource.CurrentValue.TotalNanoseconds;
            return untilNs > nowNs ? untilNs - nowNs : 0;
        }

        private void Send(string uart, string hex)
        {
            var receiver = (IUART)machine["sysbus." + uart];
            foreach(var value in FromHex(hex))
            {
                receiver.WriteChar(value);
            }
        }

        private static byte[] FromHex(string hex)
        {
            return Enumerable.Range(0, hex.Length / 2)
                .Select(i => byte.Parse(hex.Substring(2 * i, 2), NumberStyles.HexNumber)).ToArray();
        }

        private void Connect(string bus, int address)
        {
            var controller = (SimpleContainer<II2CPeripheral>)machine["sysbus." + bus];
            controller.Register(new LedDevice(this, bus, address), address);
        }

        private static string Text(double number)
        {
            return number.ToString("0.###", CultureInfo.InvariantCulture);
        }

        private volatile bool isStopped;
        private string awaited = "";
        private StreamWriter writer;
        private Timer heart;
        private readonly Emulation emulation;
        private readonly IMachine machine;
        private readonly CoreClock core;
        private readonly string commandsPath;
        private readonly string eventsPath;
        private readonly object writing = new object();
        private readonly Dictionary<string, StringBuilder> tails = new Dictionary<string, StringBuilder>();
        private readonly BlockingCollection<string> commands = new BlockingCollection<string>();
        private readonly BlockingCollection<string> answers = new BlockingCollection<string>();

        private const string LeadersFolder = "twin-renode-";
        private const int HeartbeatMs = 1000;
        /// <summary>A core in the same fault's handler at so many looks in a row is taken to stay there.</summary>
        private const int LooksOfAFault = 2;
        private const ulong StepNs = 250000000;
        private const ulong AwaitingStepNs = 10000000;

        /// <summary>A device on an I2C bus whose bytes the leader handles.</summary>
        private class LedDevice : IByteWise
        {
            public LedDevice(TwinLink link, string bus, int address)
            {
                this.link = link;
                place = " " + bus + " " + address + " ";
            }

            public bool Begin(bool read)
            {
                return link.Ask("begin" + place + (read ? "1 " : "0 ") + link.NowNs) == "1";
            }

            public bool WriteByte(byte value)
            {
                return link.Ask("write" + place + value.ToString("x2") + " " + link.NowNs) == "1";
            }

            public byte[] Read(int count, double stepNs)
            {
                return FromHex(link.Ask("read" + place + count + " " + Text(stepNs) + " " + link.NowNs));
            }

            public void End()
            {
                link.Tell("end" + place + link.NowNs);
            }

            public void Write(byte[] data)
            {
                foreach(var value in data)
                {
                    WriteByte(value);
                }
            }

            public byte[] Read(int count = 1)
            {
                return Read(count, 0);
            }

            public void FinishTransmission()
            {
                End();
            }

            public void Reset()
            {
            }

            private readonly TwinLink link;
            private readonly string place;
        }

        /// <summary>A camera whose frames the leader has.</summary>
        private class LedCamera : ICameraSource
        {
            public LedCamera(TwinLink link, string port)
            {
                this.link = link;
                this.port = port;
            }

            public CameraFrame NextFrame(double timeNs)
            {
                var words = link.Ask("frame " + port + " " + Text(timeNs)).Split(' ');
                if(words.Length == 1)
                {
                    return null;
                }
                var numbers = words.Select(word => double.Parse(word, CultureInfo.InvariantCulture)).ToArray();
                return new CameraFrame
                {
                    Index = (int)numbers[0], BeginNs = numbers[1], Rows = (int)numbers[2], RowBytes = (int)numbers[3],
                    FirstRowNs = numbers[4], RowNs = numbers[5], ByteNs = numbers[6],
                    VsyncIsHigh = numbers[7] != 0, HrefIsHigh = numbers[8] != 0,
                };
            }

            public byte[] Data(CameraFrame frame)
            {
                return FromHex(link.Ask("pixels " + port + " " + frame.Index));
            }

            private readonly TwinLink link;
            private readonly string port;
        }

        /// <summary>Tells the leader of warnings and errors.</summary>
        private class ProblemLog : LoggerBackend
        {
            public ProblemLog(TwinLink link)
            {
                this.link = link;
            }

            public override void Log(LogEntry entry)
            {
                // Cache maintenance is nothing that Renode could do wrong: it has no caches. A frame gives 2,500 of them.
                if(entry.Type >= LogLevel.Warning && !entry.FullMessage.Contains("CacheInvalidateByMVA"))
                {
                    link.Tell("problem " + entry.FullMessage.Replace('\n', ' '));
                }
            }

            private readonly TwinLink link;
        }
    }
}
