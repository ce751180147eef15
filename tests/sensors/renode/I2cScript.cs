using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;

using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure;
using Antmicro.Renode.Exceptions;
using Antmicro.Renode.Peripherals.Bus;
using Antmicro.Renode.Peripherals.I2C;
using Antmicro.Renode.Time;
using Antmicro.Renode.Utilities;

namespace Antmicro.Renode.Peripherals.EdgeSensorTwin
{
    /// <summary>
    /// For tests: an I2C bus without a controller. It plays timed operations out of a file on the Grid-EYE at
    /// address 0x69 and writes down what it answers and the level of INT after each of them.
    ///
    /// A line is "time in ns, operation, argument": start w|r, write HEX, read COUNT, stop, off, on, look.
    /// </summary>
    public class I2cScript : SimpleContainer<II2CPeripheral>, IDoubleWordPeripheral, IKnownSize
    {
        public I2cScript(IMachine machine) : base(machine)
        {
        }

        public void Play(ReadFilePath script, string answersPath)
        {
            sensor = (GridEye)GetByAddress(0x69);
            lines = File.ReadAllLines(script).Select(line => line.Split(' ')).ToArray();
            this.answersPath = answersPath;
            next = 0;
            PlanNext();
        }

        // Feeds the sensor; returns why it refuses the file, or "fed".
        public string Refusal(string file, uint channel = 0)
        {
            try
            {
                ((GridEye)GetByAddress(0x69)).FeedFramesFromRESD(file, channel);
                return "fed";
            }
            catch(RecoverableException problem)
            {
                return problem.Message;
            }
        }

        public uint ReadDoubleWord(long offset)
        {
            return 0;
        }

        public void WriteDoubleWord(long offset, uint value)
        {
        }

        public override void Reset()
        {
        }

        public long Size { get { return 0x400; } }

        private void PlanNext()
        {
            var nowNs = machine.ClockSource.CurrentValue.TotalNanoseconds;
            var delayNs = ulong.Parse(lines[next][0], CultureInfo.InvariantCulture) - nowNs;
            machine.ScheduleAction(TimeInterval.FromNanoseconds(delayNs), _ => PlayAll());
        }

        private void PlayAll()
        {
            var time = lines[next][0];
            while(next < lines.Length && lines[next][0] == time)
            {
                var answer = PlayOne(lines[next][1], lines[next].Length > 2 ? lines[next][2] : "");
                answers.Add(string.Format("{0} {1}", answer, sensor.Interrupt.IsSet ? 1 : 0));
                next++;
            }
            if(next < lines.Length)
            {
                PlanNext();
                return;
            }
            WriteDown();
        }

        private string PlayOne(string operation, string argument)
        {
            switch(operation)
            {
            case "start":
                return sensor.Acknowledges(argument == "r") ? "ack" : "nack";
            case "write":
                sensor.Write(Enumerable.Range(0, argument.Length / 2)
                    .Select(i => Convert.ToByte(argument.Substring(2 * i, 2), 16)).ToArray());
                return "-";
            case "read":
                return string.Concat(sensor.Read(int.Parse(argument)).Select(x => x.ToString("x2")));
            case "stop":
                sensor.FinishTransmission();
                return "-";
            case "off":
                sensor.PowerOff();
                return "-";
            case "on":
                sensor.PowerOn();
                return "-";
            default:
                return "-";
            }
        }

        private void WriteDown()
        {
            var counts = new[] { sensor.LatchedFrame, sensor.FirstFrameNs, sensor.RejectedWrites,
                sensor.TimeInStartUpNs, sensor.TimeInNormalNs, sensor.TimeInStandbyNs, sensor.TimeInSleepNs, sensor.TimeOffNs };
            answers.Add(string.Join(" ", counts));
            answers.Add(string.Join("; ", sensor.BrokenRules));
            File.WriteAllLines(answersPath, answers);
        }

        private GridEye sensor;
        private string[][] lines;
        private string answersPath;
        private int next;
        private readonly List<string> answers = new List<string>();
    }
}
