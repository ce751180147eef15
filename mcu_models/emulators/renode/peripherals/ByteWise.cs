using System.Collections.Generic;

using Antmicro.Renode.Peripherals.I2C;

namespace Antmicro.Renode.Peripherals.EdgeSensorTwin
{
    /// <summary>A device on an I2C bus that is told of every byte at its own time, and may refuse it.</summary>
    public interface IByteWise : II2CPeripheral
    {
        /// <summary>Takes the address phase; a repeated start calls it again. Returns whether it acknowledges.</summary>
        bool Begin(bool read);

        /// <summary>Takes a byte and returns whether it acknowledges.</summary>
        bool WriteByte(byte value);

        /// <summary>Gives the next bytes, the first a step from now and each a step after the one before.</summary>
        byte[] Read(int count, double stepNs);

        /// <summary>Takes the STOP condition.</summary>
        void End();
    }

    /// <summary>
    /// Lets a device that knows whole transfers only, as Renode's do, be driven byte by byte: what is written reaches
    /// it before the next START or STOP, what is read is asked of it at the START.
    /// </summary>
    internal class WholeTransfers
    {
        public WholeTransfers(II2CPeripheral device)
        {
            this.device = device;
            bytewise = device as IByteWise;
        }

        public bool Begin(bool read, int expected)
        {
            incoming.Clear();
            if(bytewise != null)
            {
                return bytewise.Begin(read);
            }
            HandOver();
            var acknowledging = device as IAcknowledging;
            if(acknowledging != null && !acknowledging.Acknowledges(read))
            {
                return false;
            }
            incoming = new Queue<byte>(read && expected > 0 ? device.Read(expected) : new byte[0]);
            return true;
        }

        public bool WriteByte(byte value)
        {
            if(bytewise != null)
            {
                return bytewise.WriteByte(value);
            }
            outgoing.Add(value);
            return true;
        }

        /// <summary>Asks for bytes ahead that are sure to be taken.</summary>
        public void Fetch(int count, double stepNs)
        {
            if(bytewise != null)
            {
                incoming = new Queue<byte>(bytewise.Read(count, stepNs));
            }
        }

        public byte ReadByte()
        {
            if(incoming.Count == 0)
            {
                incoming = new Queue<byte>(bytewise != null ? bytewise.Read(1, 0) : device.Read(1));
            }
            return incoming.Count == 0 ? (byte)0xFF : incoming.Dequeue();
        }

        public void End()
        {
            if(bytewise != null)
            {
                bytewise.End();
                return;
            }
            HandOver();
            device.FinishTransmission();
        }

        private void HandOver()
        {
            if(outgoing.Count > 0)
            {
                device.Write(outgoing.ToArray());
                outgoing.Clear();
            }
        }

        private Queue<byte> incoming = new Queue<byte>();
        private readonly List<byte> outgoing = new List<byte>();
        private readonly II2CPeripheral device;
        private readonly IByteWise bytewise;
    }
}
